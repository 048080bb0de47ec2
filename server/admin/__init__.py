"""Pages for those who look after the shop: log in, see how it is, and put right what failed."""
