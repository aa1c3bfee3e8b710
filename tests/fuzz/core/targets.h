// Each aborts with a message if a promise is broken. kBetweenItems and kBetweenParts of
// input.h stand between what an input consists of.
#pragma once

#include <string_view>

namespace chat21::tests {

// A routing key: parsed, judged, built again; what is derived from it.
void fuzz_topic(std::string_view input);

// Parts: a JSON text, then keys to be left out.
void fuzz_json(std::string_view input);

// Items are deliveries. Parts of one: a routing key, a line feed and a body; the id as
// which it is known, if it is a repeat; what the Store has for it, one record after the
// other (an empty document: nothing; without the part a document that fits).
void fuzz_router(std::string_view input);

// Items: the text of the pages; bytes, each a step in the life of a Ledger.
void fuzz_ledger(std::string_view input);

// A cursor of a list.
void fuzz_cursor(std::string_view input);

// Parts: the body of a document, and texts for its other fields.
void fuzz_document(std::string_view input);

}  // namespace chat21::tests
