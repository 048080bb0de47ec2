"""What people search for and click: recorded beside the searches, kept for a time, told in reports."""
