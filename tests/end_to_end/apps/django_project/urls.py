"""Where the pages are."""

from django.contrib import admin
from django.urls import include, path

from . import views

urlpatterns = [
    path("", views.home, name="home"),
    path("guestbook/", views.guestbook, name="guestbook"),
    path("cookie-choice/", views.cookie_choice, name="cookie-choice"),
    path("old-address/", views.moved),
    path("pixel.gif", views.pixel),
    path("debug/cookies", views.debug_cookies),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]
