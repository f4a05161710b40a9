#include "supervisor/visit_protocol.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "sandbox/parcel.h"
#include "supervisor/socket.h"

namespace reeve::supervisor {
namespace {

Knock full_knock() {
  return {.ticket = Uuid::from_parts(1, 2, 3), .terminal = "xterm", .has_terminal = true};
}

TEST(VisitProtocol, carries_both_messages) {
  EXPECT_EQ(decode_knock(encode_knock(full_knock())), full_knock());
  const VisitNews news{VisitState::refused, 127, "no such program"};
  EXPECT_EQ(decode_news(encode_news(news)), news);
}

TEST(VisitProtocol, of_another_version_only_that_is_read) {
  Knock knock = full_knock();
  knock.version = kProtocolVersion + 1;
  const auto read = decode_knock(encode_knock(knock) + "and more");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, Knock{.version = kProtocolVersion + 1});
}

TEST(VisitProtocol, refuses_what_is_cut_long_or_unknown) {
  const std::string whole = encode_knock(full_knock());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_knock(std::string_view(whole).substr(0, size))) << size;
  EXPECT_FALSE(decode_knock(whole + "x"));
  EXPECT_FALSE(decode_news(encode_news({static_cast<VisitState>(9), 0, {}})));
}

RC_GTEST_PROP(VisitProtocol, any_bytes_are_read_or_refused, (const std::string& bytes)) {
  // Sanitizers see what goes wrong.
  (void)decode_knock(bytes);
  (void)decode_news(bytes);
}

class VisitSocket : public testing::Test {
 protected:
  void SetUp() override {
    auto ends = make_pair_of_sockets();
    ASSERT_TRUE(ends);
    near_ = std::move(ends->first);
    far_ = std::move(ends->second);
    null_.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  }
  Fd near_;
  Fd far_;
  Fd null_;
};

TEST_F(VisitSocket, hands_over_three_descriptors) {
  const int null = null_.get();
  ASSERT_TRUE(send_knock(near_.get(), full_knock(), {null, null, null}));
  const auto received = receive_knock(far_.get());
  ASSERT_TRUE(received) << received.error().text();
  EXPECT_EQ(received->knock, full_knock());
  for (const Fd& stream : received->streams) {
    EXPECT_TRUE(stream && stream.get() != null);
    EXPECT_EQ(::fcntl(stream.get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST_F(VisitSocket, refuses_a_knock_without_them) {
  const std::string bytes = encode_knock(full_knock());
  ASSERT_EQ(::send(near_.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  const auto received = receive_knock(far_.get());
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, ErrorCode::invalid_argument);
}

TEST_F(VisitSocket, refuses_a_knock_with_more_and_keeps_none) {
  std::array<int, 2> pipe{-1, -1};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC | O_NONBLOCK), 0);
  const Fd read_end(pipe[0]);
  Fd write_end(pipe[1]);
  const std::string bytes = encode_knock(full_knock());
  for (const std::size_t count : {4U, 5U, 64U}) {
    const std::vector<int> descriptors(count, write_end.get());
    ASSERT_TRUE(sandbox::send_parcel(near_.get(), {bytes.data(), bytes.size()}, descriptors));
    const auto received = receive_knock(far_.get());
    ASSERT_FALSE(received) << count;
    EXPECT_EQ(received.error().code, ErrorCode::invalid_argument);
  }
  write_end.reset();
  char byte = 0;
  EXPECT_EQ(::read(read_end.get(), &byte, 1), 0) << "somebody holds an end that writes";
}

TEST_F(VisitSocket, says_when_the_other_side_has_gone) {
  near_.reset();
  EXPECT_EQ(receive_knock(far_.get()).error().code, ErrorCode::unavailable);
  EXPECT_EQ(receive_news(far_.get()).error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace reeve::supervisor
