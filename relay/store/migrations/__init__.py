"""How the tables came to be, step by step, in Alembic's form.  `store.migrating` runs them."""
