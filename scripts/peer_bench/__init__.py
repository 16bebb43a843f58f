"""Measures mem beside glibc and packaged peers, all preloaded alike, and makes tables of it.

allocators  which there are, and whether they really replace malloc
suites      what is measured: jobs, each with its metrics
redis       a redis-server of our own under an allocator
processes   children with a time limit, never left behind
state       raw samples in a file, so that a run goes on where it stopped
plan        rounds, the order in them, the loop
summary     medians, ratios, geometric means: the result document
tables      the document as Markdown
"""
