"""One exchange around an app: :mod:`asgi` for Starlette, FastAPI, Django, Quart and Litestar; :mod:`wsgi` for Flask,
Django and Pyramid.
"""
