"""Players' wallets: opened, one or many, shown, frozen and unfrozen. The cashier does all that writes."""
