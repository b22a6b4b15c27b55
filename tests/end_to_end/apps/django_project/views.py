"""The pages."""

import json
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from .models import Entry

# The smallest GIF: one transparent dot.
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html")


def guestbook(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "guestbook.html", {"entries": Entry.objects.all()})
    entry = Entry.objects.create(text=request.POST["text"])
    # Two kilobytes fit into the cookie `messages`; what is longer goes into the session.
    messages.success(request, f"Stored, thank you: {entry.text}")
    return redirect("guestbook")


@require_POST
def cookie_choice(request: HttpRequest) -> HttpResponse:
    """The site's own banner. Nothing in the site obeys what it stores."""
    said = request.POST["choice"] == "accept"
    choice = dict.fromkeys(("functional", "analytics", "marketing"), said)
    response = redirect("home")
    response.set_cookie("cookies_preferences", quote(json.dumps(choice)), max_age=180 * 86400, samesite="Lax")
    return response


def moved(_request: HttpRequest) -> HttpResponse:
    return redirect("home", permanent=True)


def pixel(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(PIXEL, content_type="image/gif", headers={"Cache-Control": "public, max-age=3600"})


def debug_cookies(request: HttpRequest) -> HttpResponse:
    """The Cookie field as it came, and what Django reads in it."""
    return JsonResponse({"field": request.META.get("HTTP_COOKIE"), "read": sorted(request.COOKIES)})
