"""No tables of its own; Django tells only apps with a models module that migrations have run."""
