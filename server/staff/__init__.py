"""The people who look after the shop: accounts, logins, and what they changed."""
