"""What all pages and endpoints share: the services behind a request, error answers, pictures, request ids."""
