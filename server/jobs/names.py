"""What the tasks of the queue are called: in its tables, in `vitrine jobs`, on the operations page."""

QUEUE = "default"

EMBED_GAPS = "vitrine:embed_gaps"
EMBED_PICTURES = "vitrine:embed_pictures"
IMPORT_FILE = "vitrine:import_file"
MAKE_THUMBNAILS = "vitrine:make_thumbnails"
THUMBNAILS_OF = "vitrine:thumbnails_of"
TIDY_THUMBNAILS = "vitrine:tidy_thumbnails"
ACTIVATE_MODEL = "vitrine:activate_model"
FORGET_OLD = "vitrine:forget_old"
TAKE_UP_AGAIN = "vitrine:take_up_again"
