// Asking an engine that does not answer.
#include "api/control_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace reeve::api {
namespace {

using testing::HasSubstr;

constexpr Duration kShort = std::chrono::milliseconds(20);

/// Listens and never accepts, as one whose process is stopped.
class StoppedEngine {
 public:
  StoppedEngine() : path_("/tmp/reeve-stopped-" + std::to_string(::getpid())) {
    auto made = listen_at(path_);
    EXPECT_TRUE(made) << made.error().text();
    if (made) listener_ = *std::move(made);
  }
  ~StoppedEngine() { ::unlink(path_.c_str()); }
  StoppedEngine(const StoppedEngine&) = delete;
  StoppedEngine& operator=(const StoppedEngine&) = delete;

  const std::string& path() const { return path_; }

  /// Until there is no room for another one.
  void fill_queue() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    while (true) {
      Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        break;
      waiting_.push_back(std::move(socket));
    }
    EXPECT_EQ(errno, EAGAIN);
  }

 private:
  std::string path_;
  Fd listener_;
  std::vector<Fd> waiting_;
};

TEST(ControlClient, does_not_wait_for_ever_in_a_full_queue) {
  StoppedEngine engine;
  engine.fill_queue();
  const auto client = ControlClient::connect(engine.path(), kShort);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::unavailable);
  EXPECT_THAT(client.error().text(), HasSubstr("does not answer"));
}

TEST(ControlClient, does_not_wait_for_ever_for_room_or_for_a_reply) {
  StoppedEngine engine;
  auto client = ControlClient::connect(engine.path(), kShort);
  ASSERT_TRUE(client) << client.error().text();
  client->set_timeout(kShort);
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{16} << 20}) {
    const auto answer = client->call("status", {{"more", std::string(bytes, 'x')}});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
    EXPECT_THAT(answer.error().text(), HasSubstr("does not answer"));
    EXPECT_FALSE(client->has_ended());
  }
}

TEST(ControlClient, tells_an_engine_that_has_ended_from_one_that_is_slow) {
  auto engine = std::make_unique<StoppedEngine>();
  auto client = ControlClient::connect(engine->path(), kShort);
  ASSERT_TRUE(client) << client.error().text();
  engine.reset();
  EXPECT_FALSE(client->call("status", {}));
  EXPECT_TRUE(client->has_ended());
}

}  // namespace
}  // namespace reeve::api
