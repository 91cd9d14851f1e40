"""Where records are kept.

The law of this folder: it sees errors, records, ports and its own driver, and nothing else of the house; it never reads
the clock; every write says how many rows it matched. ``memory`` is the reference that the others are held to by
``nightlatch.testing.store_contract``.
"""
