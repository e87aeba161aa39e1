/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The guest agent, served to several clients in turn. */

#include <jansson.h>
#include <systemd/sd-event.h>

#include "util/ownership.h"

#define AGENT_PORT   "org.qemu.guest_agent.0"
#define AGENT_SOCKET "channel-" AGENT_PORT /* on which QEMU listens */

typedef struct Agent Agent;

/* As MonitorReply: the agent's "return", or NULL and why not. */
typedef void (*AgentReply)(const json_t *result, const char *error, void *userdata);

/* The agent's socket is in the directory, which is copied. */
int agent_new(sd_event *event, const char *directory, Agent **ret);
Agent *agent_free(Agent *a); /* returns NULL; nobody gets a reply any more */

/*
 * Gives a command when those before it are done; takes over arguments (or NULL). reply is called once, and
 * never before this returns. seconds: how long the agent may take, at least 1. -EBUSY if too many wait.
 */
int agent_execute(
        Agent *a, const char *command, json_t *arguments, unsigned seconds, AgentReply reply,
        void *userdata);

/* Cancels all replies with that userdata, before its owner is freed. */
void agent_forget(Agent *a, const void *userdata);

/* The id of the character device behind the agent's port on QEMU's command line, a new string; NULL if there
 * is none. */
char *agent_find_chardev(char *const *argv);

DEFINE_CLEANUP(Agent, agent_free);
