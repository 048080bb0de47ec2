"""The shop: pages made on the server that work without JavaScript."""
