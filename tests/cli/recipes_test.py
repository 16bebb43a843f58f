"""The recipes of traces/ where something goes wrong: they fail, and leave no good-looking trace."""

import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

RECIPES = pathlib.Path(os.environ["ALLOCREPLAY_SOURCE"]) / "traces/recipes"


class WithFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="allocreplay-recipes-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class Clients(WithFolder):
    """Each of a server that takes one connection after another and hangs up."""

    def hang_up(self, server, wrap=lambda connection: connection):
        def serve():
            try:
                while True:
                    connection = wrap(server.accept()[0])
                    connection.recv(1)
                    connection.close()
            except OSError:  # the test is over
                pass

        server.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.close)
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)

    def run_client(self, name, *words):
        done = subprocess.run([sys.executable, RECIPES / name, *words], capture_output=True,
                              text=True, timeout=120, check=False)
        return done.returncode, done.stderr

    def test_messages_that_cannot_be_sent_are_an_error(self):
        path = self.folder / "in.sock"
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        self.hang_up(server)
        status, said = self.run_client("rsyslog_client.py", path)
        self.assertEqual(status, 1)
        self.assertRegex(said, "BrokenPipe|ConnectionReset")

    @unittest.skipUnless(shutil.which("openssl"), "makes its certificate with openssl")
    def test_an_answer_that_does_not_come_is_an_error(self):
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server = socket.socket()
        server.bind(("127.0.0.1", 0))
        self.hang_up(server, lambda connection: context.wrap_socket(connection, server_side=True))
        status, said = self.run_client("memcached_client.py", str(server.getsockname()[1]),
                                       certificate)
        self.assertEqual(status, 1)
        self.assertRegex(said, "the server hung up|Connection")


class Recipes(WithFolder):
    """With a recorder that records nothing, and programs that do as they are told."""

    def setUp(self):
        super().setUp()
        self.output = self.folder / "x.trace"
        self.program("allocreplay", '[ "$1" = inspect ] || { echo > "$3"; shift 4; "$@"; exit; }\n'
                     """echo '"ended":{"kind":"exited","code":0}'""")

    def program(self, name, text):
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run_recipe(self, name):
        env = os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}",
                            "ALLOCREPLAY": str(self.folder / "allocreplay")}
        done = subprocess.run([RECIPES / name, self.output], env=env, capture_output=True,
                              text=True, timeout=60, check=False)
        return done.returncode, done.stderr

    def test_a_script_that_stops_early_leaves_no_trace(self):
        self.program("sqlite3", "echo done")
        self.assertEqual(self.run_recipe("sqlite.sh"), (0, ""))
        self.assertTrue(self.output.exists())
        self.program("sqlite3", "echo no")
        self.assertEqual(self.run_recipe("sqlite.sh"), (1, "sqlite.sh: the script stopped early\n"))
        self.assertFalse(self.output.exists())

    def test_commands_that_cannot_be_made_end_the_recipe_and_leave_no_trace(self):
        self.program("redis-server", "exec sleep 1")
        self.program("redis-cli", "exit 0")
        for recipe in ("redis_refill.sh", "redis_streams.sh"):
            self.program("python3", "exit 0")
            self.assertEqual(self.run_recipe(recipe), (0, ""))
            self.assertTrue(self.output.exists(), recipe)
            self.program("python3", "echo SET; exit 3")
            self.assertEqual(self.run_recipe(recipe)[0], 3, recipe)
            self.assertFalse(self.output.exists(), recipe)


if __name__ == "__main__":
    unittest.main()
