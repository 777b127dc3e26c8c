"""LINE's own Python library builds and checks the events that the webhook takes."""

import base64
import hashlib
import hmac
import json

from linebot.v3.webhook import SignatureValidator, WebhookParser
from linebot.v3.webhooks import (
    CallbackRequest,
    DeliveryContext,
    EventMode,
    FollowDetail,
    FollowEvent,
    MessageEvent,
    StickerMessageContent,
    TextMessageContent,
    UnsendDetail,
    UnsendEvent,
    UserSource,
)

from tests.api.line_shop import SECRET, LineShop
from tests.fakes.line_server.events import BOT, new_event_id, new_message_id, new_user, now_ms


class Signing(SignatureValidator):
    """LINE's validator, asked for the signature that it would accept."""

    def sign(self, body: str) -> str:
        digest = hmac.new(self.channel_secret, body.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()


def _common(user_id: str) -> dict:
    return {
        "source": UserSource(user_id=user_id), "timestamp": now_ms(), "mode": EventMode.ACTIVE,
        "webhook_event_id": new_event_id(), "delivery_context": DeliveryContext(is_redelivery=False),
    }  # fmt: skip


async def test_events_built_and_checked_by_lines_own_library_are_taken(line_shop: LineShop) -> None:
    user, message_id = new_user(), new_message_id()
    text = TextMessageContent(id=message_id, text="体調の相談です🌿", quote_token="q")
    sticker = StickerMessageContent(
        id=new_message_id(), package_id="1", sticker_id="2", sticker_resource_type="STATIC", quote_token="q"
    )
    events = [
        FollowEvent(reply_token="r", follow=FollowDetail(is_unblocked=False), **_common(user)),
        MessageEvent(reply_token="r", message=text, **_common(user)),
        MessageEvent(reply_token="r", message=sticker, **_common(user)),
        UnsendEvent(unsend=UnsendDetail(message_id=message_id), **_common(user)),
    ]
    request = CallbackRequest(destination=BOT, events=[])
    body = json.dumps(request.to_dict() | {"events": [event.to_dict() for event in events]}, ensure_ascii=False)
    signature = Signing(SECRET).sign(body)

    answer = await line_shop.shop.stranger.post(
        "/v1/channels/line/webhook", content=body.encode(), headers={"X-Line-Signature": signature}
    )

    parsed = WebhookParser(SECRET).parse(body, signature)  # raises where the library itself would refuse
    shown = await line_shop.shown(user)
    assert [type(event) for event in parsed] == [FollowEvent, MessageEvent, MessageEvent, UnsendEvent]
    assert answer.status_code == 200, answer.text
    assert [(each["kind"], each["text"]) for each in shown["messages"]] == [("unsent", ""), ("media", "〔スタンプ〕")]
