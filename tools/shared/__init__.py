"""What every tool prints and asks with: texts for a terminal, tables, amounts, moments, and one line for a mistake."""
