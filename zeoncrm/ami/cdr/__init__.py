"""Calls that nobody heard of while they went on: what the PBX's call detail records tell of them.

`rows` reads records, `groups` puts together those of one call, `told` decides what the call was; `sources` and
`csv_file` fetch the records and `backfill` keeps at it.
"""
