#include "engine/ports/store.h"

namespace reeve::engine {

Digest chain_digest(const Digest& previous, const JournalRecord& record) {
  const auto text = [](const Digest& digest) {
    return std::string_view(reinterpret_cast<const char*>(digest.bytes.data()),
                            digest.bytes.size());
  };
  DigestBuilder builder;
  builder.add(text(previous));
  builder.add_number(record.step);
  builder.add_number(static_cast<std::uint64_t>(record.now.time_since_epoch().count()));
  builder.add(text(record.effects));
  builder.add(record.events);  // last, because it alone has no fixed length
  return builder.finish();
}

}  // namespace reeve::engine
