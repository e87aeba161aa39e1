/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The errors with which the broker refuses. Their names are part of its interface; see vm-broker(8). */

#define BROKER_ERROR(name) "org.vmunit.Broker1.Error." name

#define ERROR_NOT_ALLOWED         BROKER_ERROR("NotAllowed")        /* vmunit.conf or polkit says no */
#define ERROR_NO_SUCH_BRIDGE      BROKER_ERROR("NoSuchBridge")      /* allowed, but does not exist */
#define ERROR_BAD_REQUEST         BROKER_ERROR("BadRequest")        /* invalid, whoever asks */
#define ERROR_LIMIT_REACHED       BROKER_ERROR("LimitReached")      /* too many TAPs, or requests */
#define ERROR_ADDRESS_TAKEN       BROKER_ERROR("AddressTaken")      /* in use on the bridge */
#define ERROR_ADDRESS_NOT_ALLOWED BROKER_ERROR("AddressNotAllowed") /* not among those of vmunit.conf */
#define ERROR_POLICY_BROKEN       BROKER_ERROR("PolicyBroken")      /* vmunit.conf is invalid */
#define ERROR_STOPPING            BROKER_ERROR("Stopping") /* the broker stops before polkit answered */
#define ERROR_FAILED              BROKER_ERROR("Failed")   /* the host could not do it */
