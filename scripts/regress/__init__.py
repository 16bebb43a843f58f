"""Whether a change makes mem slower or larger: against the merge base, and against results/baseline.

builds     what a commit builds
baseline   deterministic figures in results/baseline, checked and updated
"""
