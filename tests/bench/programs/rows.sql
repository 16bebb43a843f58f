-- A load for sqlite3, in memory: text, two indexes, updates that grow rows, a join, groups.
CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT, class INTEGER, body TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 80000)
  INSERT INTO items SELECT i, 'name' || (i * 7919 % 100003), i * 31 % 977,
                           substr('abcdefghijklmnopqrstuvwxyz0123456789', 1 + i % 20, 8 + i % 16)
                    FROM n;
CREATE INDEX by_name ON items(name);
CREATE INDEX by_class ON items(class, name);
UPDATE items SET body = body || name || body WHERE class % 3 = 0;
DELETE FROM items WHERE class % 5 = 1;
SELECT class, count(*), max(name), group_concat(substr(body, 1, 4)) FROM items
  GROUP BY class ORDER BY 2 DESC LIMIT 3;
SELECT count(*), sum(length(a.body || b.body)) FROM items a JOIN items b ON a.class = b.class
  AND a.id < b.id AND b.id < a.id + 3000;
SELECT name, replace(upper(body), 'A', 'aa') FROM items ORDER BY body, name LIMIT 5;
