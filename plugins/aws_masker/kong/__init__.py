"""The Kong plugin ``aws-masker``: decides, in Python, what the Lua plugin ``aws-masker-filter`` then does to a request.

``plugin`` is what Kong calls, ``schema`` its configuration, ``exchange`` the format of what it tells the filter, and
``server`` the process that Kong starts. All of them need the extra ``kong`` (kong-pdk).
"""
