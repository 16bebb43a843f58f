"""Writes the statements of sqlite.sh to stdout: a small shop. The same ones every time."""

import random

RANDOM = random.Random(20261123)
CITIES = "Aachen Bremen Celle Dresden Essen Fulda Gera Halle Ilmenau Jena Kassel Lingen".split()
WORDS = """amber basket candle drawer engine feather garden hammer island jacket kettle ladder
mirror needle orchid pencil quarry ribbon saddle timber umbrella velvet window yellow""".split()
CUSTOMERS, ARTICLES, ORDERS, SMALL_STATEMENTS = 3000, 1500, 10000, 6000


def text(words):
    return " ".join(RANDOM.choices(WORDS, k=words))


def schema():
    print("""
      CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, city TEXT, since INT, note TEXT);
      CREATE TABLE article(id INTEGER PRIMARY KEY, title TEXT, price REAL, stock INT, detail TEXT);
      CREATE TABLE purchase(id INTEGER PRIMARY KEY, customer INT, day INT, remark TEXT);
      CREATE TABLE item(purchase INT, article INT, pieces INT, PRIMARY KEY(purchase, article))
        WITHOUT ROWID;
      CREATE TABLE journal(id INTEGER PRIMARY KEY, what TEXT, detail TEXT);
      CREATE TRIGGER sold AFTER INSERT ON item BEGIN
        UPDATE article SET stock = stock - new.pieces WHERE id = new.article;
      END;
      CREATE VIEW turnover AS SELECT purchase.customer, purchase.day, sum(pieces * price) AS total
        FROM purchase JOIN item ON purchase.id = item.purchase JOIN article ON article.id = article
        GROUP BY purchase.id;""")


def inserts():
    print("BEGIN;")
    for number in range(CUSTOMERS):
        print(f"INSERT INTO customer VALUES({number}, '{text(2)}', '{RANDOM.choice(CITIES)}', "
              f"{RANDOM.randrange(1990, 2026)}, '{text(RANDOM.randrange(1, 80))}');")
    for number in range(ARTICLES):
        print(f"INSERT INTO article VALUES({number}, '{text(3)}', {RANDOM.randrange(9999) / 100}, "
              f"{RANDOM.randrange(1000)}, '{text(RANDOM.randrange(5, 600))}');")
    print("COMMIT;")
    for number in range(ORDERS):
        if number % 50 == 0:
            print("COMMIT; BEGIN;" if number else "BEGIN;")
        print(f"INSERT INTO purchase VALUES({number}, {RANDOM.randrange(CUSTOMERS)}, "
              f"{RANDOM.randrange(3650)}, '{text(RANDOM.randrange(6))}');")
        articles = RANDOM.sample(range(ARTICLES), RANDOM.choice((1, 1, 2, 3)))
        rows = ", ".join(f"({number}, {article}, {RANDOM.randrange(1, 9)})" for article in articles)
        print(f"INSERT INTO item VALUES{rows};")
    print("COMMIT;")


def indexes_and_queries():
    print("""
      CREATE INDEX purchase_customer ON purchase(customer, day);
      CREATE INDEX customer_city ON customer(city);
      CREATE INDEX item_article ON item(article);
      ANALYZE;
      SELECT city, count(*), sum(total) FROM turnover JOIN customer ON customer = id GROUP BY city;
      SELECT title, sum(pieces) AS n FROM item JOIN article ON article = id
        GROUP BY article ORDER BY n DESC LIMIT 20;
      SELECT name, group_concat(day, '/') FROM customer JOIN purchase ON customer.id = customer
        GROUP BY customer.id;
      SELECT day / 30 AS month, max(total), avg(total) FROM turnover GROUP BY month;
      SELECT * FROM article WHERE detail LIKE '%velvet%mirror%' ORDER BY title;
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
        SELECT sum(length(printf('%08d-%s', i, hex(i * i)))) FROM n;
      INSERT INTO journal(what, detail) SELECT 'copy', json_object('name', name, 'note', note)
        FROM customer;
      SELECT json_extract(detail, '$.name') AS name, count(*) FROM journal GROUP BY name;""")


def small_statements():
    """What an application does all day: short statements, each prepared anew."""
    for number in range(SMALL_STATEMENTS):
        customer, article = RANDOM.randrange(CUSTOMERS), RANDOM.randrange(ARTICLES)
        print(RANDOM.choice((
            f"SELECT name, city FROM customer WHERE id = {customer};",
            f"SELECT id, day, remark FROM purchase WHERE customer = {customer} ORDER BY day DESC;",
            f"UPDATE article SET price = price * 1.01, stock = stock + 5 WHERE id = {article};",
            f"INSERT INTO journal(what, detail) VALUES('{text(1)}', '{text(20)}');",
            f"UPDATE customer SET note = note || ' {text(3)}' WHERE id = {customer};",
            f"DELETE FROM journal WHERE id = {RANDOM.randrange(CUSTOMERS + number)};",
            f"SELECT day, sum(pieces) FROM purchase JOIN item ON id = item.purchase "
            f"WHERE customer = {customer} GROUP BY day;",
        )))


def end():
    print("""
      DELETE FROM purchase WHERE day < 1800;
      DELETE FROM item WHERE purchase NOT IN (SELECT id FROM purchase);
      DROP TABLE journal;
      VACUUM;
      SELECT count(*), sum(pieces) FROM item;
      SELECT 'done';""")


for part in (schema, inserts, indexes_and_queries, small_statements, end):
    part()
