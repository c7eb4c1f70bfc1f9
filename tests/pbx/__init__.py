"""Tests on a real Asterisk.

roots.py builds Debian chroots with Asterisk 22 and 16 into ~/.cache/zeoncrm ($ZEONCRM_TEST_CACHE), once.
lab.py runs two instances of one on loopback: the PBX, and the world of phones and callers around it.
scenarios/ says what people do, and which calls must come of it; record.py keeps what the PBX said as tests/recordings.
daemon.py runs `zeoncrm serve` beside the lab.
"""
