"""A message goes the way of its own route, and no other."""

import dataclasses

import pytest
from wire import mail

from relay.delivery.routed import RoutedTransport
from relay.model.message import requests_of
from relay.model.outcome import Relayed


class Named:
    def __init__(self, name):
        self._name = name

    async def send(self, message, request):
        return Relayed(ses_message_id=f"{self._name}-{request.number}")


ROUTES = RoutedTransport({"default": Named("default"), "us": Named("us")})


@pytest.mark.parametrize("name", ["default", "us"])
async def test_a_message_goes_its_own_route(name):
    message = dataclasses.replace(mail(), route=name)
    (request,) = requests_of(message.recipients, 50)
    assert await ROUTES.send(message, request) == Relayed(ses_message_id=f"{name}-1")


async def test_an_unknown_route_is_a_bug():
    message = dataclasses.replace(mail(), route="gone")
    (request,) = requests_of(message.recipients, 50)
    with pytest.raises(KeyError):
        await ROUTES.send(message, request)
