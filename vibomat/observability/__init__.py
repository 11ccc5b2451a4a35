"""What can be seen of the running service: its log, its metrics, and which request does what.

docs/operations.md tells what to watch.
"""
