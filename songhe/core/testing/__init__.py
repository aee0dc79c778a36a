"""What several rooms' tests share; nothing of the product imports it."""
