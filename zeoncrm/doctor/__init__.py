"""`zeoncrm doctor`: says, step by step, what works and what does not, and the remedy.

It asks, and changes nothing: it works beside a running daemon, with a log-in of its own.
"""
