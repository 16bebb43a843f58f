"""Writes SQL of mariadb.sh to stdout: the schema and first rows, or what one client says all day.
The same every time.

usage: mariadb_statements.py schema|NUMBER
"""

import random
import sys

CUSTOMERS, ARTICLES, STATEMENTS = 1500, 400, 2500
WORDS = "amber basket candle drawer engine feather garden hammer island jacket kettle".split()


def text(chance, words):
    return " ".join(chance.choices(WORDS, k=words))


def schema(chance):
    print("""CREATE DATABASE shop; USE shop;
      CREATE TABLE customer(id INT PRIMARY KEY, name VARCHAR(80), city VARCHAR(40), note TEXT,
                            KEY(city)) ENGINE=InnoDB;
      CREATE TABLE article(id INT PRIMARY KEY, title VARCHAR(80), price DECIMAL(8,2), stock INT)
        ENGINE=InnoDB;
      CREATE TABLE purchase(id INT PRIMARY KEY AUTO_INCREMENT, customer INT, article INT, day INT,
                            pieces INT, remark TEXT, KEY(customer), KEY(day)) ENGINE=InnoDB;
      CREATE VIEW sold AS SELECT article.title, sum(pieces) AS pieces FROM purchase
        JOIN article ON article.id = purchase.article GROUP BY article.title;""")
    for number in range(CUSTOMERS):
        print(f"INSERT INTO customer VALUES({number}, '{text(chance, 2)}', '{text(chance, 1)}', "
              f"'{text(chance, chance.randrange(1, 30))}');")
    for number in range(ARTICLES):
        print(f"INSERT INTO article VALUES({number}, '{text(chance, 3)}', {chance.randrange(9999)}"
              f" / 100, {chance.randrange(500)});")


def one_statement(chance, number):
    customer, article = chance.randrange(CUSTOMERS), chance.randrange(ARTICLES)
    rows = ", ".join(f"({customer}, {chance.randrange(ARTICLES)}, {number % 365}, "
                     f"{chance.randrange(1, 9)}, '{text(chance, chance.randrange(1, 25))}')"
                     for _ in range(chance.choice((1, 3, 20))))
    return chance.choice((
        f"SELECT name, city, note FROM customer WHERE id = {customer};",
        f"SELECT * FROM purchase WHERE customer = {customer} ORDER BY day DESC, id LIMIT 20;",
        f"INSERT INTO purchase(customer, article, day, pieces, remark) VALUES {rows};",
        f"INSERT INTO purchase(customer, article, day, pieces, remark) VALUES {rows};",
        f"UPDATE customer SET note = concat(left(note, 300), ' {text(chance, 3)}') "
        f"WHERE id = {customer};",
        f"START TRANSACTION; UPDATE article SET stock = stock - 1 WHERE id = {article}; "
        f"INSERT INTO purchase(customer, article, day, pieces) VALUES({customer}, {article}, 1, 1);"
        f" COMMIT;",
        f"SELECT city, count(*), sum(pieces * price) FROM customer JOIN purchase ON customer.id = "
        f"customer JOIN article ON article.id = article WHERE day = {number % 365} GROUP BY city;",
        f"PREPARE p FROM 'SELECT title, price FROM article WHERE id IN (?, ?, ?)'; "
        f"SET @a = {article}, @b = 2, @c = 3; EXECUTE p USING @a, @b, @c; DEALLOCATE PREPARE p;",
        f"DELETE FROM purchase WHERE customer = {customer} AND day < {chance.randrange(365)};",
        f"SELECT json_object('name', name, 'note', note) FROM customer WHERE name LIKE "
        f"'{text(chance, 1)}%' LIMIT 30;",
    ))


def client(chance):
    for number in range(STATEMENTS):
        print(one_statement(chance, number))
        if number % 250 == 249:
            print("SELECT * FROM sold ORDER BY pieces DESC LIMIT 10; SHOW TABLE STATUS;")


if sys.argv[1] == "schema":
    schema(random.Random(20261123))
else:
    client(random.Random(20261123 + int(sys.argv[1])))
