"""From what was asked to a page of products: embed, plan, find, page."""
