#include "server/api/routes.h"

#include <array>

#include "server/api/handlers.h"

namespace chat21::server {
namespace {

using Access = Route::Access;
using Body = Route::Body;

constexpr bool kWithoutBase = false;

// The first that matches is taken, so words stand before braces: the list
// /{app}/{user}/conversations/archived before the conversation with somebody called
// "archived", and /{app}/groups/... before the user called "groups".
// clang-format off
constexpr std::array kRoutes = {
    Route{"GET", "/", Access::Anyone, Body::None, get_banner, kWithoutBase},
    Route{"GET", "/health", Access::Anyone, Body::None, get_health, kWithoutBase},
    Route{"GET", "/ready", Access::Anyone, Body::None, get_ready, kWithoutBase},
    Route{"GET", "/verify", Access::Token, Body::None, get_claims, kWithoutBase},
    Route{"GET", "/openapi.yaml", Access::Anyone, Body::None, get_openapi},
    Route{"GET", "/{app}/getInfo", Access::Token, Body::None, get_info},

    Route{"POST", "/{app}/messages", Access::App, Body::Object, send_message},
    Route{"POST", "/{app}/messages/sync", Access::App, Body::Object, send_message_and_wait},

    Route{"POST", "/{app}/groups", Access::App, Body::Object, create_group},
    Route{"GET", "/{app}/groups/{group}", Access::App, Body::None, get_group},
    Route{"PUT", "/{app}/groups/{group}", Access::App, Body::Object, rename_group},
    Route{"DELETE", "/{app}/groups/{group}", Access::App, Body::None, delete_group},
    Route{"PUT", "/{app}/groups/{group}/attributes", Access::App, Body::Object, set_group_attributes},
    Route{"POST", "/{app}/groups/{group}/members", Access::App, Body::Object, add_member},
    Route{"PUT", "/{app}/groups/{group}/members", Access::App, Body::Object, set_members},
    Route{"DELETE", "/{app}/groups/{group}/members/{member}", Access::App, Body::None, remove_member},
    // Of a group, but below the words of conversations and messages.
    Route{"DELETE", "/{app}/{group}/conversations/timelines", Access::App, Body::None, delete_conversations},
    Route{"DELETE", "/{app}/{group}/messages/timelines", Access::App, Body::None, delete_messages},

    Route{"POST", "/{app}/notify", Access::Admin, Body::Object, notify},
    Route{"POST", "/{app}/push/webhook/endpoint/{token}", Access::Anyone, Body::Object, relay_webhook},
    Route{"POST", "/{app}/{user}/instances/{instance}", Access::Owner, Body::Optional, save_instance,
          true, "Unauthorized."},

    Route{"DELETE", "/{app}/conversations/{conversation}", Access::App, Body::Optional, archive_conversation},
    Route{"GET", "/{app}/{user}/conversations", Access::User, Body::None, list_conversations},
    Route{"GET", "/{app}/{user}/conversations/archived", Access::User, Body::None, list_archived_conversations},
    Route{"GET", "/{app}/{user}/conversations/{conversation}", Access::User, Body::None, get_conversation},
    Route{"GET", "/{app}/{user}/conversations/{conversation}/messages", Access::Owner, Body::None, list_messages},
    Route{"GET", "/{app}/{user}/archived_conversations", Access::User, Body::None, list_archived_conversations},
    Route{"GET", "/{app}/{user}/archived_conversations/{conversation}", Access::User, Body::None, get_archived_conversation},
    Route{"GET", "/{app}/{user}/unread", Access::User, Body::None, get_unread},
    Route{"GET", "/{app}/{user}/groups", Access::User, Body::None, list_groups},
    Route{"GET", "/{app}/{user}/blocks", Access::User, Body::None, list_blocks},
    Route{"GET", "/{app}/{user}/blocks/{other}", Access::User, Body::None, get_block},
    Route{"PUT", "/{app}/{user}/blocks/{other}", Access::User, Body::None, put_block},
    Route{"DELETE", "/{app}/{user}/blocks/{other}", Access::User, Body::None, delete_block},
};
// clang-format on

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

}  // namespace chat21::server
