"""Holds the footprint of replays against that of the real programs under the same allocator.

programs  loads that do the same thing each time, recorded or not
smaps     what the kernel says of a process's heap
"""
