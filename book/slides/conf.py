"""How the decks are built: a run of Sphinx after that of the pages (minillm.nbtools.deck_pages starts it)."""
project = "minillm"
author = "the minillm developers"
extensions = ["myst_parser", "sphinx.ext.mathjax", "sphinx_revealjs", "minillm.nbtools.deck_pages"]
root_doc = "1_recurrence"
exclude_patterns = ["index.md"]
templates_path = ["_templates"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "attrs_block"]
mathjax_path = "../../_static/mathjax/tex-mml-chtml.js"
revealjs_use_section_ids = True
revealjs_use_index = False
html_show_sourcelink = False
html_copy_source = False
html_use_index = False
