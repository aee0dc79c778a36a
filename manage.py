"""Django's own commands, for engineers; the product's commands are ``songhe …``."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "songhe.config.settings")
    if len(sys.argv) > 1 and sys.argv[1] in {"migrate", "makemigrations", "sqlmigrate", "showmigrations"}:
        os.environ.setdefault("SONGHE_AS", "owner")
    from django.core.management import execute_from_command_line

    from songhe.config.migrating import swiftly

    with swiftly():
        execute_from_command_line(sys.argv)
