"""Players' wallets: opened, one or many, and shown. A wallet that exists is never written."""
