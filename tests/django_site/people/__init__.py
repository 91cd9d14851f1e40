"""An app with a user model of the project's own."""
