"""The addresses of a hunt: what was found so far, a new order, a model of the labels."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from leopardnet.review.hunt_desk.hunt_queues import HuntQueues
from leopardnet.review.hunt_desk.model_maker import ModelMaker
from leopardnet.review.label_request import PageRequest, read_request
from leopardnet.review.review_desk import ReviewDesk
from leopardnet.review.web.json_body import read_json


class ModelRequest(PageRequest):
    """Make a model. name: of the model."""

    name: Annotated[str, Field(max_length=200)]


def hunt_routes(desk: ReviewDesk, hunt: HuntQueues, maker: ModelMaker) -> list[BaseRoute]:
    """Return the routes of a hunt, for `create_app`."""

    def describe(request: Request) -> Response:
        return JSONResponse(hunt.describe(desk))

    def describe_model(request: Request) -> Response:
        return JSONResponse(maker.describe())

    async def refit(request: Request) -> Response:
        hunt.refit()
        return JSONResponse({"is_refitted": True})

    async def make_model(request: Request) -> Response:
        desk.refuse_reading()
        asked = read_request(ModelRequest, await read_json(request))
        return JSONResponse(await run_in_threadpool(maker.make, asked.name), status_code=202)

    return [
        Route("/api/hunt", describe),
        Route("/api/refit", refit, methods=["POST"]),
        Route("/api/model", describe_model),
        Route("/api/model", make_model, methods=["POST"]),
    ]
