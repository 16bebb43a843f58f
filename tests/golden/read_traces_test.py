"""As read_trace_test.py, the larger traces of the repository: minutes, for Python reads them."""

import unittest

import read_trace_test


class LargeTraces(read_trace_test.Readers):
    def test_traces_of_the_repository(self):
        self.compare_all(lambda size: size > read_trace_test.MAX_BYTES)


if __name__ == "__main__":
    unittest.main()
