"""What python.sh records: a program of everyday Python. It makes a log of requests, reads it with
regular expressions into objects, keeps sessions in dictionaries, sums up, and passes the result
through JSON and CSV. The same work every time."""

import collections
import csv
import dataclasses
import datetime
import io
import json
import random
import re

RANDOM = random.Random(20261123)
LINE = re.compile(r'(?P<ip>[\d.]+) \[(?P<time>[^\]]+)\] "(?P<verb>[A-Z]+) (?P<path>[^" ]+)" '
                  r'(?P<status>\d{3}) (?P<bytes>\d+) "(?P<agent>[^"]*)"')
QUERY = re.compile(r"[?&]([a-z]+)=([^&]*)")
AGENTS = ["Firefox/128.0 (X11; Linux x86_64)", "curl/8.5", "Safari/17 (Macintosh)", "bot/1.0"]
PATHS = ["/", "/search?q={}&page={}", "/article/{}", "/user/{}/settings?tab={}", "/static/{}.css"]
LINES = 8000


@dataclasses.dataclass
class Request:
    ip: str
    time: datetime.datetime
    verb: str
    path: str
    status: int
    size: int
    query: dict


class Session:
    def __init__(self, ip):
        self.ip = ip
        self.requests = []
        self.last = None

    def add(self, request):
        self.requests.append(request)
        self.last = request.time

    def summary(self):
        paths = collections.Counter(r.path.split("?")[0] for r in self.requests)
        return {"ip": self.ip, "requests": len(self.requests), "paths": dict(paths.most_common(5)),
                "bytes": sum(r.size for r in self.requests),
                "errors": [r.status for r in self.requests if r.status >= 400]}


def log_lines():
    time = datetime.datetime(2026, 11, 23)
    for _ in range(LINES):
        time += datetime.timedelta(seconds=RANDOM.expovariate(0.5))
        ip = f"10.0.{RANDOM.randrange(4)}.{RANDOM.randrange(250)}"
        path = RANDOM.choice(PATHS).format(RANDOM.randrange(5000), RANDOM.randrange(9))
        verb = RANDOM.choice(["GET", "GET", "GET", "POST"])
        status = RANDOM.choice([200, 200, 200, 304, 404, 500])
        yield (f'{ip} [{time.isoformat()}] "{verb} {path}" {status} {RANDOM.randrange(50000)} '
               f'"{RANDOM.choice(AGENTS)}"')


def parsed(lines):
    for line in lines:
        match = LINE.match(line)
        if match is None:
            raise ValueError(line)
        query = dict(QUERY.findall(match["path"]))
        yield Request(match["ip"], datetime.datetime.fromisoformat(match["time"]), match["verb"],
                      match["path"], int(match["status"]), int(match["bytes"]), query)


def sessions(requests):
    """Sessions end after half an hour of silence; ended ones leave only their summaries."""
    running, ended = {}, []
    for request in requests:
        session = running.get(request.ip)
        if session is not None and (request.time - session.last).total_seconds() > 1800:
            ended.append(session.summary())
            session = None
        if session is None:
            session = running[request.ip] = Session(request.ip)
        session.add(request)
    return ended + [session.summary() for session in running.values()]


def words_of(lines):
    index = collections.defaultdict(set)
    for number, line in enumerate(lines):
        for word in re.split(r"[^A-Za-z0-9]+", line.lower()):
            index[word].add(number)
    return {word: sorted(numbers) for word, numbers in index.items() if len(numbers) < 500}


def main():
    lines = list(log_lines())
    ended = sessions(parsed(lines))
    text = json.dumps(ended, indent=1)
    again = json.loads(text)
    again.sort(key=lambda entry: (-entry["bytes"], entry["ip"]))
    table = io.StringIO()
    writer = csv.writer(table)
    for entry in again:
        writer.writerow([entry["ip"], entry["requests"], entry["bytes"], len(entry["errors"])])
    rows = [list(map(str.strip, row)) for row in csv.reader(table.getvalue().splitlines())]
    del again, ended
    index = words_of(lines)
    del lines
    longest = sorted(index, key=lambda word: len(index[word]))[-10:]
    print(len(rows), len(text), len(index), longest)


main()
