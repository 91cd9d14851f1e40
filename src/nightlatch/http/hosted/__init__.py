"""The hosted pages' handlers: each reads a form, calls one flow, and shows a page or leads on (303)."""
