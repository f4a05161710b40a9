// The events of a journal record: what is read and written again is the same events, and JSON.
#include <boost/json/serialize.hpp>

#include "base/codec_json.h"
#include "base/ensure.h"
#include "engine/replay.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reeve::fuzz::Input input(data, size);
  const auto events = reeve::engine::decode_events(input.rest());
  if (!events) return 0;
  std::string written;
  reeve::Writer writer(written);
  reeve::encode(writer, *events);
  const auto again = reeve::engine::decode_events(written);
  ENSURE(again && again->size() == events->size());
  std::string twice;
  reeve::Writer second(twice);
  reeve::encode(second, *again);
  ENSURE(written == twice);
  for (const reeve::core::Event& event : *events)
    static_cast<void>(boost::json::serialize(reeve::to_json(event)));
  return 0;
}
