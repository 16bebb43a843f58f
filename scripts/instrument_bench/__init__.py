"""Tests the comparisons as instruments: how often they cry wolf, how often they see what is there.

experiments  what is compared with what, and what counts as right
sessions     results of one commit, kept in results/sessions
rates        shares with their exact limits
tables       the outcome as Markdown
"""
