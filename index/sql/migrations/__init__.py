"""The tables of a store as earlier versions made them, and how they are brought up to date."""
