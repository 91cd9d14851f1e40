"""What people see: templates, styles, mails, and the code that renders them.

The law of this folder: it imports nothing of the house but errors; it decides nothing; every value is escaped.
"""
