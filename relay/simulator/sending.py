"""The judgement on one send request: every check of SES, in one order, on one page.

The order is ours (AWS documents none), from what needs the least knowledge to what changes
state: account → size → message and addresses → parts → permission → configuration set →
tenant → contact list → identities and sandbox → MAIL FROM → rate and quota (in `service`).
A refused request uses up nothing.

SES facts: SES Developer Guide, quotas, mime-types, send-email-raw, request-production-access,
event-publishing-send-email, tenants; IAM: SendEmail with raw content is authorised as
ses:SendRawEmail, and a configuration set is a resource of its own.

Errors: none; a refusal is a value.
"""

from dataclasses import replace
from fnmatch import fnmatchcase

from . import identities, limits, refusal
from .account import Account, Enforcement, TenantStatus
from .parts import structure_fault
from .refusal import Refusal
from .submission import Caller, Resolved, Submission, read


def judge(submission: Submission, account: Account, caller: Caller) -> Resolved | Refusal:
    """Judge everything but rate and quota, which depend on what was sent before."""
    if (fault := _account_fault(account) or _size_fault(submission)) is not None:
        return fault
    resolved = read(_with_crlf(submission) if account.bare_line_feeds else submission)
    if isinstance(resolved, Refusal):
        return resolved
    if (text := structure_fault(resolved.content)) is not None:
        return refusal.invalid(text)
    return (
        _permission_fault(resolved, account, caller)
        or _configuration_set_fault(resolved, account)
        or _tenant_fault(resolved, account)
        or _contact_list_fault(resolved)
        or _identity_fault(resolved, account, caller)
        or resolved
    )


def permission_fault(
    account: Account, caller: Caller, action: str, resources: tuple[str, ...]
) -> Refusal | None:
    """What an IAM denial written into the account says to this action."""
    for resource in resources:
        for denial in account.denied:
            if fnmatchcase(action, denial.action) and fnmatchcase(resource, denial.resource):
                return refusal.not_permitted(
                    f"User `{caller.arn}' is not authorized to perform `{action}' "
                    f"on resource `{resource}'"
                )
    return None


def _account_fault(account: Account) -> Refusal | None:
    if account.enforcement is Enforcement.SHUTDOWN:
        return refusal.account_shut_down()
    if not account.sending_enabled:
        return refusal.account_paused()
    return None


def _size_fault(submission: Submission) -> Refusal | None:
    most = limits.V1_MESSAGE_OCTETS if submission.api == "v1" else limits.V2_MESSAGE_OCTETS
    if len(submission.raw) > most:
        return refusal.invalid(
            f"Message length is more than {most} bytes long: '{len(submission.raw)}'"
        )
    return None


def _with_crlf(submission: Submission) -> Submission:
    raw = submission.raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return replace(submission, raw=raw)


def _permission_fault(resolved: Resolved, account: Account, caller: Caller) -> Refusal | None:
    region = caller.region
    resources = [identities.identity_arn(account, region, resolved.authors[0].address)]
    if resolved.configuration_set is not None:
        resources.append(
            identities.configuration_set_arn(account, region, resolved.configuration_set)
        )
    return permission_fault(account, caller, "ses:SendRawEmail", tuple(resources))


def _configuration_set_fault(resolved: Resolved, account: Account) -> Refusal | None:
    name = resolved.configuration_set
    if name is None:
        return None
    if (found := account.configuration_sets.get(name)) is None:
        return refusal.configuration_set_absent(name)
    return None if found.sending_enabled else refusal.configuration_set_paused(name)


def _tenant_fault(resolved: Resolved, account: Account) -> Refusal | None:
    """SES Developer Guide, tenants: only what is associated may be used. Texts UNCERTAIN."""
    name = resolved.tenant
    if name is None:
        return None
    if (tenant := account.tenants.get(name)) is None:
        return refusal.absent(f"Tenant <{name}> does not exist.")
    if tenant.status is TenantStatus.DISABLED:
        return refusal.tenant_paused(name)
    for author in resolved.authors:
        if identities.covering(author.address, tenant.identities) is None:
            return refusal.invalid(
                f"Identity <{author.address}> is not associated with tenant <{name}>."
            )
    chosen = resolved.configuration_set
    if chosen is not None and chosen not in tenant.configuration_sets:
        return refusal.invalid(
            f"Configuration set <{chosen}> is not associated with tenant <{name}>."
        )
    return None


def _contact_list_fault(resolved: Resolved) -> Refusal | None:
    """This account has no contact lists, so each one named is absent."""
    if resolved.contact_list is None:
        return None
    name = resolved.contact_list.partition(";")[0].strip()
    return refusal.absent(f"List with name: {name} doesn't exist.")


def _identity_fault(resolved: Resolved, account: Account, caller: Caller) -> Refusal | None:
    arns = [arn for arn in (resolved.arns.author, resolved.arns.source) if arn is not None]
    if resolved.arns.return_path is not None:
        arns.append(resolved.arns.return_path)
    for arn in arns:
        if not _may_use(arn, account, caller.region):
            return refusal.not_permitted(
                f"User `{caller.arn}' is not authorized to perform `ses:SendRawEmail' "
                f"on resource `{arn}'"
            )
    # The Source identity alone serves for all; the others for what they cover.
    own = [
        box
        for box in resolved.senders
        if not any(identities.arn_covers(arn, box.address) for arn in arns)
    ]
    failed = identities.unverified(account, own)
    if account.sandbox:
        outside = [box for box in resolved.recipients if not identities.is_mailbox_simulator(box)]
        failed += [name for name in identities.unverified(account, outside) if name not in failed]
    if failed:
        return refusal.not_verified(caller.region, failed)
    for box in resolved.senders:
        if identities.covering(box.address, account.mail_from_failing) is not None:
            return refusal.mail_from_failing()
    return None


def _may_use(arn: str, account: Account, region: str) -> bool:
    """Own identities and delegated ones, both of this Region only (sending-authorization)."""
    own, _, identity = arn.partition(":identity/")
    if own == f"arn:aws:ses:{region}:{account.account_id}":
        return identity in account.identities
    return arn in account.delegated and f":ses:{region}:" in arn
