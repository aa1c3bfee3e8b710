// The handlers, one function per route; routes.cc says which is whose.
#pragma once

#include "server/api/call.h"
#include "server/api/services.h"

namespace chat21::server {

// service.cc
HttpResponse get_banner(Services&, const Call&);
HttpResponse get_health(Services&, const Call&);
HttpResponse get_ready(Services&, const Call&);
HttpResponse get_claims(Services&, const Call&);
HttpResponse get_info(Services&, const Call&);
HttpResponse get_openapi(Services&, const Call&);

// reading.cc
HttpResponse list_conversations(Services&, const Call&);
HttpResponse list_archived_conversations(Services&, const Call&);
HttpResponse get_conversation(Services&, const Call&);
HttpResponse get_archived_conversation(Services&, const Call&);
HttpResponse list_messages(Services&, const Call&);
HttpResponse get_unread(Services&, const Call&);
HttpResponse list_groups(Services&, const Call&);

// conversations.cc
HttpResponse archive_conversation(Services&, const Call&);
HttpResponse delete_conversations(Services&, const Call&);
HttpResponse delete_messages(Services&, const Call&);

// blocks.cc
HttpResponse list_blocks(Services&, const Call&);
HttpResponse get_block(Services&, const Call&);
HttpResponse put_block(Services&, const Call&);
HttpResponse delete_block(Services&, const Call&);

// sending.cc
HttpResponse send_message(Services&, const Call&);
HttpResponse send_message_and_wait(Services&, const Call&);

// groups.cc, members.cc
HttpResponse create_group(Services&, const Call&);
HttpResponse get_group(Services&, const Call&);
HttpResponse delete_group(Services&, const Call&);
HttpResponse rename_group(Services&, const Call&);
HttpResponse set_group_attributes(Services&, const Call&);
HttpResponse add_member(Services&, const Call&);
HttpResponse set_members(Services&, const Call&);
HttpResponse remove_member(Services&, const Call&);

// push_routes.cc
HttpResponse save_instance(Services&, const Call&);
HttpResponse notify(Services&, const Call&);
HttpResponse relay_webhook(Services&, const Call&);

}  // namespace chat21::server
