/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launcher/helper/helper.h"

/* Replies; failures are logged, but for those of the first, which sends text of at most HELPER_TEXT_MAX. */
int helper_reply(int caller, HelperMessage *m, const char *text, int fd);
int helper_reply_done(int caller, int exit_status);

/* As StoreTell and for host_link_on_wait(): userdata points to the caller. */
int helper_store(const char *name, int fd, void *userdata);
void helper_wait(const char *what, void *userdata);

/* Requests. -EPIPE if the launcher has ended, which then logged why; other failures are logged. */
int helper_receive_any(int caller, HelperMessage *ret);
int helper_expect(const HelperMessage *m, HelperKind expected);

/* The launcher may take as long as it likes for its next request. Logged. */
int helper_wait_without_limit(int caller);
