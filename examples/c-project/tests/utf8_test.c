#include "check.h"
#include "grain.h"

#define LENGTH(text) grain_utf8_length(text, sizeof(text) - 1)

int main(void) {
  CHECK(LENGTH("") == 0);
  CHECK(LENGTH("plain") == 5);
  CHECK(LENGTH("na\xc3\xafve") == 5);
  CHECK(LENGTH("\xe2\x82\xac") == 1);
  CHECK(LENGTH("\xf0\x9f\x8c\xbe") == 1);
  CHECK(LENGTH("\xf4\x8f\xbf\xbf") == 1);
  CHECK(LENGTH("\xc0\x80") == -1);         /* overlong */
  CHECK(LENGTH("\xe0\x80\x80") == -1);     /* overlong */
  CHECK(LENGTH("\xed\xa0\x80") == -1);     /* surrogate */
  CHECK(LENGTH("\xf4\x90\x80\x80") == -1); /* beyond U+10FFFF */
  CHECK(LENGTH("\xe2\x82") == -1);         /* cut short */
  CHECK(LENGTH("\xbf") == -1);             /* begins in the middle */
  CHECK(LENGTH("\xff") == -1);
  return check_result();
}
