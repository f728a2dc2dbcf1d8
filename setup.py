"""Reads everything from settings.ini, so that nothing is said twice."""
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

config = ConfigParser(delimiters=["="])
config.read("settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]
extras = {key.removesuffix("_requirements"): cfg[key].split() for key in cfg if key.endswith("_requirements")}

setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=Path("README.md").read_text(encoding="utf-8") if Path("README.md").exists() else "",
    long_description_content_type="text/markdown",
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=cfg["git_url"],
    keywords=cfg["keywords"].split(),
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=f">={cfg['min_python']}",
    packages=[*find_packages(include=["minillm", "minillm.*"]), "minillm.runs"],
    package_dir={"minillm.runs": "book/runs"},
    package_data={"minillm": ["widgets/*.js", "widgets/*.css", "widgets/*.json", "configs/*", "exercises/*.json", "weights/*", "weights/*/*"],
                  "minillm.runs": ["*.json", "scoreboard/*.json"]},
    install_requires=cfg["requirements"].split(),
    extras_require=extras,
    entry_points={
        "console_scripts": cfg["console_scripts"].split(),
        "myst_nb.mime_renderers": ["minillm = minillm.nbtools.sphinx:WidgetRenderer"],
    },
)
