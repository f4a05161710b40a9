// Messages with descriptors, over the SEQPACKET sockets to a zygote and its inits. Free functions;
// thread-safe.
#pragma once

#include <span>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace reeve::sandbox {

struct ParcelBytes {
  const void* data = nullptr;
  std::size_t size = 0;
};
/// Does not wait: unavailable when the other side has gone or takes nothing in. At most
/// kDescriptorsMax descriptors; none is fine.
Status send_parcel(int socket, ParcelBytes bytes, std::span<const int> descriptors);

/// The text in a file without a name, to be sent.
Result<Fd> blob_in_memory(const std::string& blob);

}  // namespace reeve::sandbox
