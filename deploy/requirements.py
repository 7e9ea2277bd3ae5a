"""What the image installs, as pip reads it: the package's requirements and those of its server, with the
OpenCV that needs no libraries of windows, and the driver of PostgreSQL.
"""

import re
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
needed = [
    *project["dependencies"],
    *project["optional-dependencies"].get("server", []),
    "psycopg[binary]>=3.2",
]
print("\n".join(re.sub(r"^opencv-python\b", "opencv-python-headless", line) for line in needed))
